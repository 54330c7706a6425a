/** How the owner fares while others guess: each way in, how often it was tried, how often it let him in, and the slowest, ms. */
export type Fared = Readonly<Record<string, { tried: number; let_in: number; slowest_ms: number }>>;

/** Counted on from one call to the next, so that no new device comes from a known address. */
let n = 0;

/** Tries each way in until `isOver`, about twice a second; known devices from `home`, each new device from an address of its own. */
export async function fareOf(
  url: string,
  { password, home, isOver }: { password: string; home: string; isOver: () => boolean },
): Promise<Fared> {
  const fared: Record<string, { tried: number; let_in: number; slowest_ms: number }> = {};
  const from = (address: string) => ({ "x-forwarded-for": address });
  const logIn = (headers: Record<string, string>) =>
    fetch(`${url}/api/session`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify({ password }),
    });
  const basic = { authorization: `Basic ${btoa(`prometheus:${password}`)}` };
  const bearer = { authorization: `Bearer ${password}` };
  const cookies = (await logIn(from(home))).headers.getSetCookie().map((line) => line.split(";")[0] ?? "");
  const device = cookies.find((pair) => pair.includes("-device-")) ?? "";
  const ways: Readonly<Record<string, () => Promise<Response>>> = {
    "known browser, session": () =>
      fetch(`${url}/api/status`, { headers: { cookie: cookies.join("; "), ...from(home) } }),
    "known browser, logs in": () => logIn({ cookie: device, ...from(home) }),
    Prometheus: () => fetch(`${url}/metrics`, { headers: { ...basic, ...from(home) } }),
    Bearer: () => fetch(`${url}/api/status`, { headers: { ...bearer, ...from(home) } }),
    "this machine": () => fetch(`${url}/metrics`, { headers: basic }),
    "new device": () => logIn(from(`203.0.${n >> 8}.${n++ & 255}`)),
    "new device at home": () => logIn(from(home)),
  };
  while (!isOver()) {
    for (const [name, ask] of Object.entries(ways)) {
      fared[name] ??= { tried: 0, let_in: 0, slowest_ms: 0 };
      const one = fared[name];
      const began = performance.now();
      let answer = await ask();
      await answer.arrayBuffer();
      // As a person would do: again when it says so.
      while (name === "new device" && answer.status === 429) {
        await Bun.sleep(1000 * Number(answer.headers.get("retry-after")));
        answer = await ask();
        await answer.arrayBuffer();
      }
      one.tried++;
      if (answer.ok) one.let_in++;
      one.slowest_ms = Math.max(one.slowest_ms, Math.round(performance.now() - began));
    }
    await Bun.sleep(500);
  }
  return fared;
}
