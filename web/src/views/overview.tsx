import { Archive } from "../components/archive/archive.tsx";
import { Alerts } from "../components/incidents/alerts.tsx";
import { Connections } from "../components/status/connections.tsx";
import { Headline } from "../components/status/headline.tsx";
import { Services } from "../components/status/services.tsx";
import { Tiles } from "../components/status/tiles.tsx";
import { SymbolTable } from "../components/symbols/symbol-table.tsx";
import { usePast } from "../state/past.ts";

/** Everything at a glance. */
export function Overview() {
  usePast();
  return (
    <>
      <Headline />
      <Alerts />
      <Tiles />
      <div class="columns">
        <SymbolTable />
        <div class="side">
          <Connections />
          <Archive />
          <Services />
        </div>
      </div>
    </>
  );
}
