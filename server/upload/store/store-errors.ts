import { codeOf, messageOf } from "../../platform/errors.ts";
import { Late } from "../../platform/time/deadline.ts";
import { AnswerTooLong } from "./bounded-answer.ts";

/**
 * Which objects a problem affects: "store" all objects, "object" only this object. "unclear": the refusal (for example 403 or 500)
 * may be either; the next objects show which.
 */
export type ProblemScope = "store" | "object" | "unclear";

/** A failed request to an S3-compatible store. The message tells what to do and contains no secret. */
export class StoreProblem extends Error {
  override readonly name = "StoreProblem";
  /** The store's own code (`NoSuchBucket`), the network's (`ECONNREFUSED`), or ours (`Timeout`, `Mismatch`). */
  readonly code: string;
  readonly scope: ProblemScope;

  constructor(code: string, message: string, scope: ProblemScope, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.scope = scope;
  }
}

const keys = "upload.access_key and upload.secret_key";

/** What an operator can do, for error codes that a wrong setting causes. */
const advice: Readonly<Record<string, string>> = {
  NoSuchBucket: "the bucket does not exist: create it, or correct upload.bucket",
  PermanentRedirect: "the bucket is in another region: correct upload.endpoint and upload.region",
  AuthorizationHeaderMalformed: "the store expects another region: set upload.region",
  InvalidAccessKeyId: `the store does not know the access key: correct ${keys}`,
  SignatureDoesNotMatch: `the secret key is wrong: correct ${keys} (and upload.region, if the store needs a region)`,
  InvalidToken: "the environment contains a session token (AWS_SESSION_TOKEN, S3_SESSION_TOKEN): start without it",
  AccessDenied: "the key may not do this: allow it to get, put, delete and list in this bucket",
  Forbidden: "the key may not do this: allow it to get, put, delete and list in this bucket",
  RequestTimeTooSkewed:
    "the clock of this machine is wrong by more than 15 minutes: turn on NTP (timedatectl set-ntp true)",
  RequestExpired: "the clock of this machine is wrong: turn on NTP (timedatectl set-ntp true)",
  SlowDown: "the store asks for fewer requests; the upload is retried later",
  ECONNREFUSED: "upload.endpoint refuses connections: correct it, or start the store",
  ConnectionRefused: "upload.endpoint refuses connections: correct it, or start the store",
  ENOTFOUND: "cannot resolve the host of upload.endpoint: correct it, or check the name servers",
  DNSResolveFailed: "cannot resolve the host of upload.endpoint: correct it, or check the name servers",
  FailedToOpenSocket: "cannot connect to upload.endpoint: correct it, or check the network",
};

/** Codes that affect all objects: the network, the settings, or the whole store. */
const storeCodes = new Set([
  "NoSuchBucket",
  "PermanentRedirect",
  "AuthorizationHeaderMalformed",
  "InvalidAccessKeyId",
  "SignatureDoesNotMatch",
  "InvalidToken",
  "ExpiredToken",
  "RequestTimeTooSkewed",
  "RequestExpired",
  "SlowDown",
  "ServiceUnavailable",
  "Unreachable",
  "Timeout",
  "Stopped",
  "EndlessList",
  "HTTP 502",
  "HTTP 504",
  "HTTP 429",
  "TooManyRequests",
]);

/** Codes that affect only the object of the request. */
const objectCodes = new Set([
  "PreconditionFailed",
  "ConditionalRequestConflict",
  "NoSuchKey",
  "NoSuchUpload",
  "InvalidPart",
  "TooLarge",
  "InvalidObjectState",
  "KeyTooLong",
  "KeyTooLongError",
  "EntityTooLarge",
  "ObjectLocked",
  "InvalidRequest",
]);

/** Returns the scope of a code. Codes of the network (`ECONNREFUSED`, `DNSResolveFailed`) are known by their form. */
function scopeOf(code: string): ProblemScope {
  if (objectCodes.has(code)) return "object";
  if (storeCodes.has(code) || /^E[A-Z]{3,}$/.test(code) || /^(?:Connection|Failed|DNS|UNABLE_|CERT_|ERR_)/.test(code))
    return "store";
  return "unclear";
}

/** Creates the problem for an error code of a request, with advice if there is any. */
export function storeProblem(code: string, message: string, operation: string, key: string): StoreProblem {
  const hint = advice[code];
  const request = `${operation} ${key === "" ? "the bucket" : key}: ${code}`;
  return new StoreProblem(code, `${request}: ${hint ?? message}`, scopeOf(code));
}

/** Converts anything thrown by a request to a StoreProblem. */
export function storeProblemOf(error: unknown, operation: string, key: string): StoreProblem {
  if (error instanceof StoreProblem) return error;
  if (error instanceof AnswerTooLong) return storeProblem("TooLarge", error.message, operation, key);
  const code = codeOf(error) ?? (error instanceof Late ? "Timeout" : "Unreachable");
  return storeProblem(code, messageOf(error), operation, key);
}

/** Creates the problem of an object or file that differs from the expected content. */
export function mismatch(key: string, difference: string): StoreProblem {
  return new StoreProblem("Mismatch", `verify ${key}: ${difference}`, "object");
}

/** Creates the problem of an object that another recorder changed first. */
export function overtaken(key: string): StoreProblem {
  return new StoreProblem("PreconditionFailed", `upload ${key}: another recorder has just written it`, "object");
}
