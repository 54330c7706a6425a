/** A receiver of webhooks and heartbeats on a real socket. Answers as the test tells it. */
export type Receiver = {
  readonly url: string;
  readonly requests: { readonly method: string; readonly headers: Headers; readonly body: string }[];
  /** "hang" never answers. */
  answer(status: number | "hang"): void;
  stop(): Promise<void>;
};

/** The path represents a secret. */
export const secretPath = "/hook/s3cr3t-path?key=s3cr3t-key";

/** Starts a receiver on a free port. */
export function startReceiver(): Receiver {
  const requests: Receiver["requests"] = [];
  let status: number | "hang" = 200;
  let release = () => {};
  const stopped = new Promise<void>((resolve) => {
    release = resolve;
  });
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      requests.push({ method: request.method, headers: request.headers, body: await request.text() });
      if (status === "hang") await stopped;
      return new Response(null, { status: status === "hang" ? 200 : status });
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}${secretPath}`,
    requests,
    answer(next) {
      status = next;
    },
    async stop() {
      release();
      await server.stop(true);
    },
  };
}
