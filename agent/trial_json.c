/* SPDX-License-Identifier: BSD-2-Clause */
/* Trials as JSON: what the parts have written of themselves. */
#include "trial_json.h"

#include <errno.h>

#include "judge_json.h"
#include "rollout_json.h"

json_t *trial_encode(const struct state_trial *trial)
{
	json_t *rollout = rollout_encode(&trial->rollout);

	if (!trial->judge.settings.trials)
		return json_pack("{s:o}", "rollout", rollout);
	return json_pack("{s:o, s:o, s:o}", "rollout", rollout, "judge", judge_encode(&trial->judge), "told",
			 judge_meter_encode(&trial->told));
}

int trial_decode(json_t *value, struct state_trial *ret, struct complaint *complaint)
{
	struct state_trial trial = { 0 };
	json_t *judge;
	int r;

	if (!json_is_object(value))
		return complain(complaint, -EBADMSG, "a trial, expected an object");
	r = rollout_decode(json_object_get(value, "rollout"), &trial.rollout, complaint);
	judge = json_object_get(value, "judge");
	if (!r && judge) {
		r = judge_decode(judge, &trial.judge, complaint);
		if (!r)
			r = judge_meter_decode(json_object_get(value, "told"), &trial.told, complaint);
	}
	if (!r)
		*ret = trial;
	return r;
}
