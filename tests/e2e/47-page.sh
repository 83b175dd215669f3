#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The live page at the agent's root, in a real browser: figures and charts that follow what happens, at 400 and at 1200
# pixels, dark and light, by the keyboard alone; it asks nobody but the agent, and takes nothing for HTML that others wrote.
# SERIN_SCREENSHOTS=DIRECTORY keeps the pictures.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

CHROMIUM=$(command -v chromium || true)
[ -n "$CHROMIUM" ] || skip "chromium is missing (Debian package chromium)"
command -v node >/dev/null || skip "node is missing (Debian package nodejs)"

URL=http://127.0.0.1:9477
SHOTS=${SERIN_SCREENSHOTS:-$WORK}
ask() { on lb curl -sS --max-time 5 -o "$WORK/body" -D "$WORK/header" -w '%{http_code}' "$@"; }

# COMMAND...: of tools/browser.js; strings without their quotes
browse() {
	local line
	echo "$*" >&"$TO"
	IFS= read -r -t 30 line <&"$FROM" || line='"the browser is silent"'
	jq -r . <<<"$line"
}
# WHAT EXPRESSION: true within some seconds
sees() { check_match "$1" "$(browse wait "$2")" '^[^f]'; }
last_line() { echo "document.querySelector('#backends li:last-child')?.textContent"; }
cell() { echo "[...document.querySelectorAll('#rows tr')].find(r => r.cells[0].textContent === '$1')?.cells[$2].textContent"; }

two_arm
start_servers
# Half of the canary refuses.
# Nobody listens on the last one, and nobody is to notice.
export SERVICE=$'protocol: http\nhealth: off' CANARY='"10.0.0.21:3000", "10.0.0.22:3999"'
HTTP="{listen: \"127.0.0.1:9477\"}" write_config 25%
# And one with as many versions as there can be, of long names.
cat >>"$CONFIG" <<-YAML
	  - name: tea
	    listen: ["$VIP:81/tcp"]
	    baseline: stable
	    versions:
	      stable: {backends: ["10.0.0.11:3000"]}
YAML
for i in {2..8}; do
	echo "      a-long-name-of-version-$i: {backends: [\"10.0.0.21:$((3000 + i))\"], weight: $i%}" >>"$CONFIG"
done
# And one with a backend that is out, and a version that is listed in a file.
echo '["10.0.0.21:3000"]' >"$WORK/canary.json"
cat >>"$CONFIG" <<-YAML
	  - name: milk
	    listen: ["$VIP:82/tcp"]
	    baseline: stable
	    health: {check: tcp, every: 200ms, timeout: 150ms, fall: 2}
	    versions:
	      stable: {backends: ["10.0.0.11:3000", "10.0.0.12:3999"]}
	      canary: {file: $WORK/canary.json}
	    rollout: {steps: [{weight: 25%, for: 10m}, {weight: 100%}]}
YAML
start_agent

# ---- what is served ------------------------------------------------------------------------------------------------

for file in :index.html:text/html page.css:page.css:text/css figures.js:figures.js:text/javascript \
	rollout.js:rollout.js:text/javascript charts.js:charts.js:text/javascript live.js:live.js:text/javascript; do
	IFS=: read -r path name type <<<"$file"
	check_equal "GET /$path" "$(ask "$URL/$path")" 200
	check "it is the file" cmp "$WORK/body" "$REPO/agent/page/$name"
	check_match "its type" "$(cat "$WORK/header")" "^Content-Type: $type; charset=utf-8"
	check_match "a strict policy" "$(cat "$WORK/header")" \
		"^Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
done
check_equal "POST /" "$(ask -X POST $URL/)" 405
check_equal "words that let script in, in the policy" "$(grep -ciE "unsafe|\*" "$WORK/header" || true)" 0

# ---- in the browser ------------------------------------------------------------------------------------------------

# No connection is kept: one that is refused would be tried again and again.
start client "$TOOLS/load" -t $VIP:80 -s 10.64.0.1 -n 200 -f 100 -x -d 150 >"$WORK/load.json"
mkfifo "$WORK/to" "$WORK/from"
exec {TO}<>"$WORK/to" {FROM}<>"$WORK/from" # both ways: opening waits for nobody
nsenter --net="/run/netns/$RUN-lb" node "$REPO/tests/e2e/tools/browser.js" "$CHROMIUM" "$WORK/profile" \
	<"$WORK/to" >"$WORK/from" 2>"$WORK/browser.log" &
PIDS+=($!)
browse size 400 800 >"$WORK/out"
browse open $URL/ >"$WORK/out"
sees "the page is live" "document.getElementById('health').textContent === 'live'"
check_equal "its title" "$(browse eval document.title)" "serin: shop"
check_equal "versions" "$(browse eval "[...document.querySelectorAll('#versions th')].map(t => t.firstChild.nextSibling.data).join()")" \
	stable,canary
check_equal "share set" "$(browse eval "$(cell 'share set' 2)")" 25%
sees "requests" "/^[1-9]/.test($(cell requests/s 1))"
sees "their times" "/^[1-9][0-9.]* (µs|ms|s)\$/.test($(cell 'answer p95' 1))"
sees "what the canary refuses" "/^[1-9][0-9.]*%/.test($(cell refused 2))"
check_equal "and the stable version does not" "$(browse eval "$(cell refused 1)")" 0%
sees "which is marked" "document.querySelector('td.worse').textContent === $(cell failed 2)"
sees "share measured" "/^[0-9.]+%/.test($(cell measured 2))"
sees "connections that are open, if any" "/^[0-9]/.test($(cell 'active flows' 1))"
check_equal "charts" "$(browse eval "document.querySelectorAll('figure').length")" 4
sees "lines in the chart of shares" "document.querySelectorAll('figure .lines path[d*=\"L\"]').length >= 4"

serin weight shop canary=40% --reason '<img src=x onerror=alert(1)><b>bold' >"$WORK/out"
sees "a change of weights is seen" "$(cell 'share set' 2) === '40%'"
sees "among the decisions, as text" \
	"document.querySelector('#events li').textContent.includes('by uid 0: <img src=x onerror=alert(1)><b>bold')"
check_equal "elements that it made" "$(browse eval "document.querySelectorAll('main img, main b').length")" 0
sees "and as a line in the charts" "document.querySelectorAll('figure .change').length >= 4"

for width in 400 1200; do
	browse size $width 900 >"$WORK/out"
	sees "at $width px: drawn for that" \
		"innerWidth === $width && [...document.querySelectorAll('svg')].every(s => s.getBoundingClientRect().right <= innerWidth)"
	check_between "at $width px: width of what is on the page" "$(browse eval document.documentElement.scrollWidth)" 300 $width
	check_equal "at $width px: charts that are wider than the page" "$(browse eval \
		"[...document.querySelectorAll('svg')].filter(s => s.getBoundingClientRect().right > innerWidth).length")" 0
	for scheme in light dark; do
		browse media $scheme >"$WORK/out"
		check_equal "at $width px, $scheme: background" "$(browse eval 'getComputedStyle(document.body).backgroundColor')" \
			"$([ $scheme = light ] && echo "rgb(255, 255, 255)" || echo "rgb(20, 23, 26)")"
		check_match "a picture of it" "$(browse shot "$SHOTS/page-$width-$scheme.png" | tr -d '\n ')" "^\[$width,[0-9.]+\]$"
		check_match "which is a PNG of that width" "$(od -A n -t x1 -j 16 -N 4 "$SHOTS/page-$width-$scheme.png")" \
			"$(printf '00 00 %02x %02x' $((width / 256)) $((width % 256)))"
	done
done

# ---- the history behind the charts ---------------------------------------------------------------------------------

# FILTER over the points
history() { api GET "/v1/services/shop/history${2:-}" | jq -r "$1"; }
has_points() { [ "$(history '.points | length')" -ge "$1" ]; }
check "points" wait_for 30 has_points 5
check_equal "a step" "$(history .step)" 5
check_equal "every five seconds" "$(history '[.points[].t] | [.[1:], .] | transpose[:-1] | map(.[0] - .[1]) | unique | join(" ")')" 5
check_between "the last one's age" $(($(date +%s) - $(history '.points[-1].t'))) 0 7
check_equal "weights then and now" "$(history '[.points[0, -1].versions.canary.weight] | join(" ")')" "2500 4000"
check_between "requests per second" "$(history '[.points[1:][].versions | .stable.rps + .canary.rps] | max')" 20 100000
check_between "p95" "$(history '.points[-1].versions.stable.p95')" 0.000001 1
check_equal "p50 <= p95 <= p99" "$(history '[.points[].versions.stable | select(.p50 > .p95 or .p95 > .p99)] | length')" 0
check_equal "the stable version never fails" "$(history '[.points[].versions.stable.failure_ratio // 0] | max')" 0
check_between "the canary does" "$(history '[.points[].versions.canary.failure_ratio // 0] | max')" 0.001 1
check_between "shares add up to" "$(history '.points[-1].versions | .stable.measured + .canary.measured')" 0.999 1.001
check_equal "later than the last" "$(history '.points | length' "?after=$(history '.points[-1].t')")" 0
check_equal "later than nonsense" "$(history .error.code '?after=-1')" bad_request

# ---- the keyboard alone --------------------------------------------------------------------------------------------

browse eval 'document.activeElement.blur()' >"$WORK/out"
focus="document.activeElement.id || document.activeElement.tagName + (document.activeElement.name || '')"
order=
for _ in {1..10}; do
	browse key Tab >"$WORK/out"
	order+="$(browse eval "$focus") "
done
check_equal "the tabulator's way" "$order" "A A A A figures INPUTquantile svg svg svg svg "
browse eval "document.querySelectorAll('figure > svg')[0].focus()" >"$WORK/out"
before=$(browse eval "document.activeElement.getAttribute('aria-label')")
browse key ArrowLeft >"$WORK/out"
check_match "an arrow in a chart says when and how much" "$(browse eval "document.activeElement.getAttribute('aria-label')")" \
	'^Share of new connections \(dashed: as set\), [0-9: APM.]+: stable [0-9.]+%, canary [0-9.]+%$'
check_equal "a cursor" "$(browse eval "document.querySelectorAll('.cursor').length")" 1
browse key Escape >"$WORK/out"
check_equal "which goes again" "$(browse eval "document.querySelectorAll('.cursor').length")" 0
check_match "the newest values before" "$before" '^Share of new connections .*: stable [0-9.]+%'
browse eval "document.querySelector('input[value=p95]').focus()" >"$WORK/out"
browse key ArrowRight >"$WORK/out"
check_match "another quantile" "$(browse eval "document.querySelectorAll('figcaption')[3].textContent")" '^Answer time, p99'

browse eval "document.querySelectorAll('#services a')[1].focus()" >"$WORK/out"
browse key Enter >"$WORK/out"
sees "another service" "document.title === 'serin: tea' && document.querySelectorAll('#versions th').length === 8"
check_equal "which is the current one" "$(browse eval "document.querySelector('[aria-current]').textContent")" tea
check_equal "its last version's share" "$(browse eval "$(cell 'share set' 8)")" 8%
check_equal "its events: none of the other's" "$(browse eval "document.querySelectorAll('#events li').length")" 0
browse size 400 900 >"$WORK/out"
sees "eight versions at 400 px: drawn for that" "document.documentElement.scrollWidth <= 400"
check_equal "eight versions at 400 px: the page is not wider" "$(browse eval document.documentElement.scrollWidth)" 400
check_between "but the table, in a frame of its own" "$(browse eval "document.getElementById('figures').scrollWidth")" 800 4000
browse eval "document.getElementById('figures').focus()" >"$WORK/out"
browse key ArrowRight >"$WORK/out"
sees "which the arrows move" "document.getElementById('figures').scrollLeft > 0"
browse shot "$SHOTS/page-400-eight.png" >"$WORK/out"

# ---- who gets no clients, and where backends come from -------------------------------------------------------------

browse eval "location.hash = '#milk'" >"$WORK/out"
sees "one that its check has taken out, and why" \
	"document.querySelector('#backends .out')?.textContent === 'stable 10.0.0.12:3999 out: refused'"
sees "where the others come from" "/^canary from .*canary.json: 1 address, read [0-9]+ s ago\$/.test($(last_line))"
check_equal "none but these" "$(browse eval "document.querySelectorAll('#backends li').length")" 2
echo '["<b>10.0.0.21"]' >"$WORK/list.new" && mv "$WORK/list.new" "$WORK/canary.json"
sees "a file with garbage: the list that is kept" \
	"/^canary from .*canary.json:1:2: invalid backend address '<b>10.0.0.21', .*: keeps the last 1 address\$/.test($(last_line))"
check_equal "which is marked" "$(browse eval "document.querySelectorAll('#backends .out').length")" 2
check_equal "and no HTML" "$(browse eval "document.querySelectorAll('#backends b').length")" 2
browse shot "$SHOTS/page-400-out.png" >"$WORK/out"

# ---- a rollout among too few clients: one, which gets one version ---------------------------------------------------

of_rollout="[...document.querySelectorAll('#rollout li')]"
api POST /v1/services/milk/rollout '{"action": "start", "blind": true}' >"$WORK/out"
sees "a rollout" "${of_rollout}[0]?.textContent.startsWith('rollout canary progressing, step 1 of 2 at 25%')"
check_equal "no warning without clients" "$(browse eval "$of_rollout.some(l => l.textContent.startsWith('warning'))")" false
load one -t $VIP:82 -s 10.64.0.1 -n 1 -N 200
few='canary gets (0|100)\.0% of the connections: 25% is a small share for so few clients'
sees "a warning about too few" "$of_rollout.some(l => /^warning $few\$/.test(l.textContent) && l.className === 'out')"
check_match "as in serin status" "$(serin status milk)" "^warning  $few\$"
browse eval "location.hash = '#shop'" >"$WORK/out"
sees "and back" "document.title === 'serin: shop'"

# ---- the agent goes and comes --------------------------------------------------------------------------------------

stop_agent
sees "no agent: the page says so" "document.getElementById('health').className === 'away'"
start_agent
sees "the next agent: live again" "document.getElementById('health').textContent === 'live'"
check_equal "requests to anybody else" "$(browse requests | jq -r '.[]' | grep -cvE "^($URL/|data:)" || true)" 0
check_equal "errors but of the time without an agent" "$(browse errors | jq -r '.[]' | grep -v 'Failed to load resource' || true)" ""

check_equal "the browser ends" "$(browse quit)" gone
check "and writes no more" wait_for 5 rm -rf "$WORK/profile"
stop_agent
