import { type Failure, failureOf } from "../../platform/errors.ts";
import { yieldTo } from "../../platform/process/thread-priority.ts";

/** A message to a worker. */
export type Request<Job> = { readonly id: number; readonly job: Job };

/** A message from a worker; a long job sends "alive" from time to time. */
export type Reply<Result> =
  | { readonly id: number; readonly kind: "done"; readonly result: Result }
  | { readonly id: number; readonly kind: "failed"; readonly failure: Failure }
  | { readonly id: number; readonly kind: "alive" };

/**
 * Makes the calling thread a worker that does one job after another. `prepare` runs at the first job. `pathOf` names the file in
 * failures without a path.
 */
export function serveJobs<Job, Result>(options: {
  operation: string;
  niceness: number;
  pathOf: (job: Job) => string;
  prepare: () => Promise<(job: Job, alive: () => void) => Result>;
}): void {
  let ready: Promise<(job: Job, alive: () => void) => Result> | null = null;
  const reply = (message: Reply<Result>) => postMessage(message);
  self.addEventListener("message", async (event: MessageEvent<Request<Job>>) => {
    const { id, job } = event.data;
    try {
      ready ??= options.prepare().then((work) => {
        yieldTo(options.niceness);
        return work;
      });
      const work = await ready;
      reply({ id, kind: "done", result: work(job, () => reply({ id, kind: "alive" })) });
    } catch (error) {
      reply({ id, kind: "failed", failure: failureOf(error, options.operation, options.pathOf(job)) });
    }
  });
}
