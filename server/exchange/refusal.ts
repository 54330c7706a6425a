/** How many seconds a refused client is told to wait. */
const retryAfterSeconds = 60;

/**
 * An HTTP answer that refuses, in the form in which it comes from the exchange or from what stands before it: 403 is a
 * firewall's HTML page, 451 and 4xx are JSON with a code, 429 and 418 say how long to wait, 5xx of a gateway are HTML.
 * Source: binance-spot-api-docs, rest-api.md, "HTTP Return Codes"; the 451 as reported by users.
 */
export function refusal(status: number): Response {
  if (status === 403) return page(status, "Forbidden", "The request could not be satisfied. Request blocked.");
  if (status === 451) {
    return json(status, 0, "Service unavailable from a restricted location. Please contact customer service.");
  }
  if (status === 429) return json(status, -1003, "Too many requests.", { "retry-after": String(retryAfterSeconds) });
  if (status === 418) {
    const until = Date.now() + retryAfterSeconds * 1000;
    const msg = `Way too many requests; IP banned until ${until}.`;
    return json(status, -1003, msg, { "retry-after": String(retryAfterSeconds) });
  }
  if (status === 500) return json(status, -1000, "An unknown error occurred while processing the request.");
  if (status >= 500)
    return page(status, status === 504 ? "Gateway Timeout" : "Service Unavailable", "Try again later.");
  return json(status, -1000, "The request was refused.");
}

function json(status: number, code: number, msg: string, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify({ code, msg }), {
    status,
    headers: { "content-type": "application/json;charset=UTF-8", ...headers },
  });
}

function page(status: number, title: string, words: string): Response {
  const body = `<!DOCTYPE html><html><head><title>${status} ${title}</title></head><body><h1>${status} ${title}</h1><p>${words}</p></body></html>`;
  return new Response(body, { status, headers: { "content-type": "text/html" } });
}
