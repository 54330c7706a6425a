import { codeOf, messageOf } from "../../platform/errors.ts";
import { OutOfBounds } from "./bounded-answer.ts";

/**
 * What a problem says of other objects: "store" befalls them all, "object" this one alone. A refusal for a reason of the store's own
 * (403, 500) may be either, which only the next object tells: "unclear".
 */
export type ProblemScope = "store" | "object" | "unclear";

/** A request to an S3-compatible store that did not succeed; the message says what can be done, and holds no secret. */
export class StoreProblem extends Error {
  override readonly name = "StoreProblem";
  /** The store's own code (`NoSuchBucket`), the network's (`ECONNREFUSED`), or one of ours (`Timeout`, `Mismatch`). */
  readonly code: string;
  readonly scope: ProblemScope;

  constructor(code: string, message: string, scope: ProblemScope, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.scope = scope;
  }
}

const keys = "upload.access_key and upload.secret_key";

/** What an operator can do about the codes that a wrong setting leads to. */
const advice: Readonly<Record<string, string>> = {
  NoSuchBucket: "there is no such bucket: create it, or correct upload.bucket",
  PermanentRedirect: "the bucket is in another region: correct upload.endpoint and upload.region",
  AuthorizationHeaderMalformed: "the store expects another region: set upload.region",
  InvalidAccessKeyId: `the store does not know the access key: correct ${keys}`,
  SignatureDoesNotMatch: `the secret key is wrong: correct ${keys} (and upload.region, if the store wants one)`,
  InvalidToken:
    "there is a session token in the environment (AWS_SESSION_TOKEN, S3_SESSION_TOKEN), which is sent along: start without it",
  AccessDenied: "the key may not do this: allow it to get, put, delete and list in this bucket",
  Forbidden: "the key may not do this: allow it to get, put, delete and list in this bucket",
  RequestTimeTooSkewed:
    "this machine's clock is more than 15 minutes off: let it be set by NTP (timedatectl set-ntp true)",
  RequestExpired: "this machine's clock is off: let it be set by NTP (timedatectl set-ntp true)",
  SlowDown: "the store asks for fewer requests; it is tried again later",
  ECONNREFUSED: "nobody listens at upload.endpoint",
  ConnectionRefused: "nobody listens at upload.endpoint",
  ENOTFOUND: "the host of upload.endpoint is not known: correct it, or see to the name servers",
  DNSResolveFailed: "the host of upload.endpoint is not known: correct it, or see to the name servers",
  FailedToOpenSocket: "upload.endpoint cannot be reached: correct it, or see to the network",
};

/** The way to the store, its settings, or all of it. */
const ofStore = new Set([
  ...[
    "NoSuchBucket",
    "PermanentRedirect",
    "AuthorizationHeaderMalformed",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
  ],
  ...["InvalidToken", "ExpiredToken", "RequestTimeTooSkewed", "RequestExpired", "SlowDown", "ServiceUnavailable"],
  ...["Unreachable", "Timeout", "Stopped", "EndlessList", "HTTP 502", "HTTP 504", "HTTP 429", "TooManyRequests"],
]);

/** What another object need not meet with. */
const ofOneObject = new Set([
  ...["PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey", "NoSuchUpload", "InvalidPart", "TooLarge"],
  ...["InvalidObjectState", "KeyTooLong", "KeyTooLongError", "EntityTooLarge", "ObjectLocked", "InvalidRequest"],
]);

/** The network's own words (`ECONNREFUSED`, `DNSResolveFailed`) are of the store; its answers are known by name. */
function scopeOf(code: string): ProblemScope {
  if (ofOneObject.has(code)) return "object";
  if (ofStore.has(code) || /^E[A-Z]{3,}$/.test(code) || /^(?:Connection|Failed|DNS|UNABLE_|CERT_|ERR_)/.test(code))
    return "store";
  return "unclear";
}

/** The problem that a code means; `operation` and `key` say what was tried. */
export function storeProblem(code: string, message: string, operation: string, key: string): StoreProblem {
  const known = advice[code];
  const what = `${operation} ${key === "" ? "the bucket" : key}: ${code}`;
  return new StoreProblem(code, known === undefined ? `${what}: ${message}` : `${what}: ${known}`, scopeOf(code));
}

/** The problem that anything thrown by a request means. */
export function storeProblemOf(error: unknown, operation: string, key: string): StoreProblem {
  if (error instanceof StoreProblem) return error;
  if (error instanceof OutOfBounds)
    return storeProblem(error.reason === "bytes" ? "TooLarge" : "Timeout", error.message, operation, key);
  const code = codeOf(error) ?? (error instanceof Error && error.name === "TimeoutError" ? "Timeout" : "Unreachable");
  return storeProblem(code, messageOf(error), operation, key);
}

/** What came over is not what was sent. */
export function mismatch(key: string, what: string): StoreProblem {
  return new StoreProblem("Mismatch", `verify ${key}: ${what}`, "object");
}

/** The object is not any more what the upload was made for: another recorder was quicker. */
export function overtaken(key: string): StoreProblem {
  return new StoreProblem("PreconditionFailed", `upload ${key}: another recorder has just written it`, "object");
}
