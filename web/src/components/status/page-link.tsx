import { type NavigationPage, pagePath } from "../../../../server/domain/pages.ts";
import { address, follow } from "../../browser/route.ts";

/** A link to a page of the navigation, with an arrow. */
export function PageLink({ page, text }: { page: NavigationPage; text: string }) {
  return (
    <a href={address(pagePath(page))} onClick={follow}>
      {text} →
    </a>
  );
}
