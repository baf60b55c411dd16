// OpenAI's Node SDK: its newest version, which is for node 22 and later but runs on 20, and the last one for 20.
import newest from "openai";
import last from "openai-6";
import * as newestZod from "openai/helpers/zod";
import * as lastZod from "openai-6/helpers/zod";

export const SDKS = [
  { name: "openai", OpenAI: newest, ...newestZod },
  { name: "openai-6", OpenAI: last, ...lastZod },
];

/** Checks both SDKs, side by side. */
export const each = (check) =>
  Promise.all(
    SDKS.map((sdk) =>
      check(sdk).catch((e) => {
        e.message = `${sdk.name}: ${e.message}`;
        throw e;
      }),
    ),
  );
