/** Returns the network that counts for guesses: the whole IPv4 address, or the IPv6 /64 of a customer. */
export function networkOf(address: string): string {
  return address.includes(":") ? groupsOf(address, 4) : address;
}

/** Returns the neighbourhood of an address: the IPv4 /16, or the IPv6 /48, which may belong to a single customer. */
export function siteNetworkOf(address: string): { readonly name: string; readonly isOneCustomer: boolean } {
  if (address.includes(":")) return { name: `${groupsOf(address, 3)}/48`, isOneCustomer: true };
  return { name: `${address.split(".").slice(0, 2).join(".")}/16`, isOneCustomer: false };
}

function groupsOf(address: string, count: number): string {
  const [head = "", tail] = (address.split("%")[0] ?? "").split("::");
  const first = head === "" ? [] : head.split(":");
  const last = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - first.length - last.length);
  const groups = [...first, ...Array.from({ length: zeros }, () => "0"), ...last];
  return groups
    .slice(0, count)
    .map((group) => group.replace(/^0+(?=.)/, "").toLowerCase())
    .join(":");
}
