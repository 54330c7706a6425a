import { type Failure, failureOf } from "../../platform/errors.ts";
import { yieldTo } from "../../platform/process/thread-priority.ts";

/** A message to a worker: a job, or that the bytes of an earlier question may be sent now. */
export type Request<Job> = { readonly id: number; readonly job: Job } | { readonly allowed: number };

/** A message from a worker. A long job sends "alive" from time to time, and "send" before it sends bytes over the network. */
export type Reply<Result> =
  | { readonly id: number; readonly kind: "done"; readonly result: Result }
  | { readonly id: number; readonly kind: "failed"; readonly failure: Failure }
  | { readonly id: number; readonly kind: "alive" }
  | { readonly id: number; readonly kind: "send"; readonly question: number; readonly bytes: number };

/** What a job may ask of the thread that gave it. */
export type JobLink = {
  /** Says that the job goes on. */
  alive(): void;
  /** Resolves when `bytes` more bytes may be sent within the limit of bandwidth, which all threads share. */
  maySend(bytes: number): Promise<void>;
};

/**
 * Makes the calling thread a worker that does one job after another. `prepare` runs at the first job. `pathOf` names the file in
 * failures without a path.
 */
export function serveJobs<Job, Result>(options: {
  operation: string;
  niceness: number;
  pathOf: (job: Job) => string;
  prepare: () => Promise<(job: Job, link: JobLink) => Result | Promise<Result>>;
}): void {
  let ready: Promise<(job: Job, link: JobLink) => Result | Promise<Result>> | null = null;
  const questions = new Map<number, () => void>();
  let lastQuestion = 0;
  const reply = (message: Reply<Result>) => postMessage(message);
  self.addEventListener("message", async (event: MessageEvent<Request<Job>>) => {
    if ("allowed" in event.data) {
      questions.get(event.data.allowed)?.();
      questions.delete(event.data.allowed);
      return;
    }
    const { id, job } = event.data;
    const link: JobLink = {
      alive: () => reply({ id, kind: "alive" }),
      maySend: (bytes) =>
        new Promise((resolve) => {
          const question = ++lastQuestion;
          questions.set(question, resolve);
          reply({ id, kind: "send", question, bytes });
        }),
    };
    try {
      ready ??= options.prepare().then((work) => {
        yieldTo(options.niceness);
        return work;
      });
      const work = await ready;
      reply({ id, kind: "done", result: await work(job, link) });
    } catch (error) {
      reply({ id, kind: "failed", failure: failureOf(error, options.operation, options.pathOf(job)) });
    }
  });
}
