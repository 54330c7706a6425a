import { mkdirSync } from "node:fs";
import { join } from "node:path";
import S3rver from "@20minutes/s3rver";
import { AwsClient } from "aws4fetch";
import { S3Client } from "bun";
import { startFauxqs } from "fauxqs";
import { temporaryFolder } from "../folder.ts";

/** An S3 server on loopback with one bucket, and a client of Bun's to look into it. */
export type S3 = {
  readonly endpoint: string;
  readonly bucket: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly client: S3Client;
  /** Keys below a prefix, in order. */
  keys(prefix?: string): Promise<string[]>;
  stop(): Promise<void>;
};

/**
 * s3rver: checks signatures and clocks. It supports neither conditions nor aborting a multipart upload, and its ETag of a multipart
 * upload differs from S3.
 */
export async function startS3rver(options: { bucket?: string | null; port?: number } = {}): Promise<S3> {
  const bucket = options.bucket === undefined ? "archive" : options.bucket;
  const directory = join(temporaryFolder(), "s3");
  mkdirSync(directory);
  const server = new S3rver({
    ...{ port: options.port ?? 0, address: "127.0.0.1", silent: true, directory },
    configureBuckets: bucket === null ? [] : [{ name: bucket, configs: [] }],
  });
  const { port } = await server.run();
  return s3At(`http://127.0.0.1:${port}`, "S3RVER", () => server.close());
}

/** fauxqs: multipart uploads as S3 does them, ETags, parts that are too small and aborts included; takes any key. */
export async function startFauxS3(): Promise<S3> {
  const server = await startFauxqs({ port: 0, logger: false });
  server.createBucket("archive");
  return s3At(`http://127.0.0.1:${server.port}`, "any", () => server.stop());
}

function s3At(endpoint: string, secret: string, stop: () => Promise<unknown>): S3 {
  const bucket = "archive";
  const client = new S3Client({ endpoint, bucket, accessKeyId: secret, secretAccessKey: secret, region: "us-east-1" });
  const signer = new AwsClient({ accessKeyId: secret, secretAccessKey: secret, service: "s3", retries: 0 });
  return {
    ...{ endpoint, bucket, accessKey: secret, secretKey: secret, client },
    async keys(prefix = "") {
      const response = await signer.fetch(`${endpoint}/${bucket}?list-type=2&prefix=${encodeURIComponent(prefix)}`);
      return [...(await response.text()).matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key]) => key ?? "").sort();
    },
    async stop() {
      await stop();
    },
  };
}
