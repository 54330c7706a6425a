import { yieldTo } from "../niceness.ts";
import { messageOf } from "../problem.ts";
import { chartPicture } from "./chart-picture.ts";
import { readChartPoints } from "./chart-points.ts";
import { dayPicture } from "./day-picture.ts";
import type { PictureJob, PictureReply } from "./picture-job.ts";
import { loadRenderer } from "./picture-png.ts";

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
