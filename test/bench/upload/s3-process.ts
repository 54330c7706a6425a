/** An S3 server in a process of its own: `bun s3-process.ts`; prints its port. */
import { startFauxqs } from "fauxqs";

const server = await startFauxqs({ port: 0, logger: false });
server.createBucket("archive");
console.log(server.port);
