import { didYouMean } from "../../platform/did-you-mean.ts";
import { OperatorError } from "../../platform/errors.ts";
import type { Flags } from "../framework/command.ts";

/** Streams for a purpose, by the word of `--preset`. */
const presets: Readonly<Record<string, readonly string[]>> = {
  // Everything that backtesters read and books are proved by.
  research: ["depth@100ms", "trade", "bookTicker", "depth20@100ms", "aggTrade"],
};

/** Words of `--preset`. */
export const presetNames = Object.keys(presets);

/** Replaces `--preset` by the streams that it stands for. @throws OperatorError for an unknown word, or beside `--streams` */
export function withPreset(flags: Flags): Flags {
  const { preset, ...others } = flags;
  if (preset === undefined) return flags;
  const streams = Object.hasOwn(presets, preset) ? presets[preset] : undefined;
  if (streams === undefined)
    throw new OperatorError(
      `--preset "${preset}" is not accepted${didYouMean(preset, presetNames)}; give ${presetNames.join(", ")}`,
    );
  if (flags.streams !== undefined)
    throw new OperatorError(
      `--preset ${preset} and --streams both choose streams; give --streams ${streams.join(",")} with your own`,
    );
  return { ...others, streams: streams.join(",") };
}
