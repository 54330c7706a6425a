import { join } from "node:path";
import type { Config } from "../config/config.ts";

/** Returns the access rules of the page from the config. Logins survive a restart in a file of the data folder. */
export function accessOf({ http }: Config, dataDir: string) {
  return {
    basePath: http.base_path,
    passwordHash: http.password_hash,
    trustedProxies: http.trusted_proxies,
    publicUrl: http.public_url,
    sessionsPath: join(dataDir, "sessions.json"),
    userHeader: http.trusted_user_header,
    tokensDir: dataDir,
  };
}
