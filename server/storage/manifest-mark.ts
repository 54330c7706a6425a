/** Tests whether a stored manifest is unchanged, by its own checksum. False if it has no checksum. */
export function isAsWritten(text: string): boolean {
  const mark = /,\n {2}"manifest_sha256": "([0-9a-f]{64})"\n\}\n$/.exec(text);
  return mark !== null && sha256Of(`${text.slice(0, mark.index)}\n}\n`) === mark[1];
}

/** Returns the SHA-256 of a text, hex. */
export function sha256Of(text: string): string {
  return new Bun.CryptoHasher("sha256").update(text).digest("hex");
}
