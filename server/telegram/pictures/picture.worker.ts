import { initWasm, Resvg } from "@resvg/resvg-wasm";
import fontFile from "../../../node_modules/@expo-google-fonts/roboto/500Medium/Roboto_500Medium.ttf" with {
  type: "file",
};
import wasmFile from "../../../node_modules/@resvg/resvg-wasm/index_bg.wasm" with { type: "file" };
import { messageOf } from "../../platform/errors.ts";
import { readFileSync } from "../../platform/files/files.ts";
import { yieldTo } from "../../platform/process/thread-priority.ts";
import { chartPicture } from "./chart-picture.ts";
import { readChartPoints } from "./chart-points.ts";
import { dayPicture } from "./day-picture.ts";
import type { PictureJob, PictureReply } from "./picture-worker-client.ts";

self.addEventListener("message", async ({ data }: MessageEvent<PictureJob>) => {
  yieldTo(15);
  const reply = (message: PictureReply) => postMessage(message);
  try {
    const [svg, render] = await Promise.all([draw(data), loadRenderer()]);
    reply({ kind: "done", png: render(svg) });
  } catch (error) {
    reply({ kind: "failed", reason: messageOf(error) });
  }
});

async function draw(job: PictureJob): Promise<string> {
  if (job.kind === "day") return dayPicture(job.day);
  const { dataDir, stream, chart } = job;
  const { symbol, fromUs, toUs } = chart;
  const wanted = Math.round((toUs - fromUs) / chart.stepUs);
  const points = await readChartPoints({ dataDir, symbol, stream, fromUs, toUs, points: wanted });
  return chartPicture({ ...chart, points });
}

/** `type: "file"` makes the imports paths, in a checkout and in an executable. Their declared types belong to another loader. */
const fontPath = fontFile as unknown as string;
const wasmPath = wasmFile as unknown as string;

/** Loads the renderer into the calling thread (about 50 MB). Call it once. The returned function renders SVG as PNG. */
async function loadRenderer(): Promise<(svg: string) => Uint8Array> {
  await initWasm(readFileSync(wasmPath));
  const font = readFileSync(fontPath);
  return (svg) => {
    const options = { loadSystemFonts: false, fontBuffers: [font], defaultFontFamily: "Roboto Medium" };
    return new Resvg(svg, { font: options }).render().asPng();
  };
}
