# SPDX-License-Identifier: BSD-2-Clause
# What serin shows of a version and what tools/count.py has counted, brought to the same form: {"refused": 3, ...}.

def words: [to_entries[] | select(.value != 0) | "\(.key)=\(.value)"] | sort | join(" ");
def minus($b): with_entries(.value -= ($b[.key] // 0));
def plus($b): reduce ($b | to_entries[]) as {$key, $value} (.; .[$key] += $value);
def prefixed($p): with_entries(.key |= $p + .);

# GET /v1/services/NAME
def said($version):
	.versions[] | select(.name == $version) | .failures
	+ {opened, established, requests, answered, incidents: .incident_clients}
	+ ((.http.classes // {}) | prefixed("class_"))
	+ ((.http.server_errors // {}) | prefixed("code_"))
	+ ((.http.methods // {}) | prefixed("method_"));

def counted_failures:
	{refused, timeout: .connect_timeouts, reset: .resets, unanswered: (.unanswered + .fins), unreachable};

def counted_all($http):
	if . == null then {} else
		counted_failures
		+ {opened: .connections, established, requests, answered: .begun}
		+ if $http then
			{incidents: .clients_failed_http}
			+ (.classes | prefixed("class_"))
			+ (.codes | with_entries(select(.key | startswith("5"))) | prefixed("code_"))
			+ (.methods | prefixed("method_"))
		else
			{incidents: .clients_failed}
		end
	end;

# Only the canary goes wrong: what got no answer at all was its doing.
def counted($version; $http):
	(.versions.stable | counted_all($http)) as $stable |
	if $version == "stable" then $stable else counted_all($http) | minus($stable) end;

def sum_up: reduce .[] as $failures ({}; plus($failures)) | words;
def said_failures: [.versions[].failures] | sum_up;
def counted_failures_of_all: map(counted_failures) | sum_up;
