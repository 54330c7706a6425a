/** Host and port of an URL whose path may be a secret. */
export function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : "";
}

/** An error's own words, without the URL, or parts of it, that they may hold; bounded. */
export function problemOf(error: unknown, url: string): string {
  const { name, message } = error instanceof Error ? error : { name: "Error", message: String(error) };
  if (name === "TimeoutError") return "no answer in time";
  const parsed = new URL(url);
  const secrets = [
    url,
    parsed.href,
    `${parsed.pathname}${parsed.search}`,
    parsed.search,
    parsed.username,
    parsed.password,
  ];
  return secrets
    .filter((secret) => secret.length > 1)
    .reduce((text, secret) => text.replaceAll(secret, "…"), message)
    .slice(0, 200);
}
