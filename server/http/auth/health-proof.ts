import { createHmac, timingSafeEqual } from "node:crypto";

/** The header with which `rt-data health` proves that it has read the recorder's config, so that it is told the reasons. */
export const healthProofHeader = "rt-data-health";

/** Returns the proof for a password hash. It opens only the reasons of `/health/ready`. */
export function healthProof(passwordHash: string): string {
  return createHmac("sha256", passwordHash).update("rt-data health 1").digest("base64url");
}

/** Creates the test of a request's proof. Without a password no proof is accepted, nor needed. */
export function createHealthProofCheck(passwordHash: string): (request: Request) => boolean {
  const right = Buffer.from(healthProof(passwordHash));
  return ({ headers }) => {
    const given = Buffer.from(headers.get(healthProofHeader) ?? "");
    return passwordHash !== "" && given.length === right.length && timingSafeEqual(given, right);
  };
}
