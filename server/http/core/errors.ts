import { Elysia } from "elysia";
import { messageOf, Unavailable } from "../../platform/errors.ts";
import type { Log } from "../../platform/log/log.ts";
import { QueryError } from "./request-params.ts";
import { securityHeaders } from "./security-headers.ts";

/** The body of every error response. `code` is stable, `message` is for people. */
export type ErrorBody = { readonly error: { readonly code: string; readonly message: string } };

export function errorBody(code: string, message: string): ErrorBody {
  return { error: { code, message } };
}

/** Turns unknown paths and thrown errors into JSON errors. Unexpected errors are logged here; their text is never sent. */
export function createErrors(log: Log) {
  return new Elysia({ name: "errors" }).onError({ as: "global" }, ({ code, error, request }) => {
    const path = new URL(request.url).pathname;
    if (error instanceof QueryError) return respond(400, errorBody("bad_request", error.message));
    if (error instanceof Unavailable) return respond(503, errorBody("catalogue_unavailable", error.message));
    if (code === "NOT_FOUND" && request.method !== "GET" && request.method !== "HEAD")
      return methodNotAllowed(request.method);
    if (code === "NOT_FOUND") return respond(404, errorBody("not_found", `No route matches ${path}.`));
    if (code === "VALIDATION" || code === "PARSE")
      return respond(400, errorBody("bad_request", "The request could not be understood."));
    log.error("HTTP request failed", { path, error: messageOf(error) });
    return respond(500, errorBody("internal_error", "The request failed; the recorder's log says why."));
  });
}

function methodNotAllowed(method: string): Response {
  const body = errorBody("method_not_allowed", `${method} is not supported here; use GET or HEAD.`);
  return respond(405, body, { allow: "GET, HEAD" });
}

/** Makes an error response. */
export function respond(status: number, body: ErrorBody, headers: Record<string, string> = {}): Response {
  return Response.json(body, { status, headers: { ...securityHeaders, "cache-control": "no-store", ...headers } });
}
