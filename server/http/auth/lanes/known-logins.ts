import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { type BoundedMap, createBoundedMap } from "./bounded-map.ts";

/** Senders of the right password. Browsers carry a signed cookie; networks and programs are stored as keyed hashes. */
export type KnownLogins = {
  restore(known: { readonly networks: readonly string[]; readonly clients: readonly string[] }): void;
  networks(): readonly string[];
  clients(): readonly string[];
  hasNetwork(network: string): boolean;
  hasClient(client: string): boolean;
  addNetwork(network: string): void;
  addClient(client: string): void;
  /** Creates a device cookie: a random name and its signature, keyed by the password hash. */
  createDevice(): string;
  /** Returns the device's name; null if the cookie does not come from `createDevice` with this password. */
  deviceOf(cookie: string | null): string | null;
};

/** Upper bound for networks and for programs. Only the right password adds an entry, so strangers cannot push out others. */
const mostKnown = 1000;

/** Creates the list. `onChange` is called after each addition that must be saved. A changed password invalidates all entries. */
export function createKnownLogins(passwordHash: string, deps: { onChange: () => void }): KnownLogins {
  const key = createHmac("sha256", passwordHash).update("rt-data known logins 1").digest();
  const networks = createBoundedMap<true>(mostKnown);
  const clients = createBoundedMap<true>(mostKnown);
  const sign = (kind: string, text: string) => createHmac("sha256", key).update(`${kind}\0${text}`).digest();
  const mark = (kind: string, text: string) => sign(kind, text).subarray(0, 16).toString("base64url");

  function add(to: BoundedMap<true>, entry: string): void {
    const isNew = to.get(entry) === undefined;
    to.put(entry, true);
    if (isNew) deps.onChange();
  }

  return {
    restore(known) {
      for (const network of known.networks) networks.put(network, true);
      for (const client of known.clients) clients.put(client, true);
    },
    networks: () => [...networks.keys()],
    clients: () => [...clients.keys()],
    hasNetwork: (network) => networks.get(mark("network", network)) === true,
    hasClient: (client) => clients.get(mark("client", client)) === true,
    addNetwork: (network) => add(networks, mark("network", network)),
    addClient: (client) => add(clients, mark("client", client)),
    createDevice() {
      const name = randomBytes(12).toString("base64url");
      return `${name}.${sign("device", name).toString("base64url")}`;
    },
    deviceOf(cookie) {
      const [, name, signature] = /^([\w-]{16})\.([\w-]{43})$/.exec(cookie ?? "") ?? [];
      if (name === undefined || signature === undefined) return null;
      const given = Buffer.from(signature, "base64url");
      const right = sign("device", name);
      return given.length === right.length && timingSafeEqual(given, right) ? name : null;
    },
  };
}
