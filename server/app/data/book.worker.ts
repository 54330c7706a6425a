import { serveJobs } from "../../archive/workers/worker-protocol.ts";
import type { BookAtInstant } from "../../domain/book/book-at-instant.ts";
import { type BookJob, runBookJob } from "./book-job.ts";

serveJobs<BookJob, BookAtInstant>({
  operation: "read the book",
  niceness: 15,
  pathOf: ({ dataDir }) => dataDir,
  prepare: async () => runBookJob,
});
