import { type Config, loadConfig } from "../../server/config/config.ts";

/** A config of these settings alone, by `section.key`, on any free port, without settings of the machine. @throws their mistakes */
export function appConfig(settings: Readonly<Record<string, unknown>>): Config {
  const loaded = loadConfig(null, { "http.port": 0, ...settings }, {});
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.config;
}
