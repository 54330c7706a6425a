import { Alerts } from "../components/alerts.tsx";
import { Archive } from "../components/archive.tsx";
import { Connections } from "../components/connections.tsx";
import { Headline } from "../components/headline.tsx";
import { Services } from "../components/services.tsx";
import { SymbolTable } from "../components/symbol-table.tsx";
import { Tiles } from "../components/tiles.tsx";
import { usePast } from "../past.ts";

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
