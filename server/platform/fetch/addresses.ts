/** Tests whether an address or a host name is local to this machine (loopback). */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, "").toLowerCase();
  const name = bare.startsWith("::ffff:") ? bare.slice(7) : bare;
  return name === "localhost" || name.endsWith(".localhost") || name === "::1" || /^127\.\d+\.\d+\.\d+$/.test(name);
}
