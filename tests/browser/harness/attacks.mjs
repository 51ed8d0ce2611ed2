// What somebody who wants to run a script in another person's page would write, and what of it must never be there.
import { pause } from "./until.mjs";

export const PAYLOADS = [
  "<script>window.__hit = 1</script>",
  "<img src=x onerror=\"window.__hit = 2\">",
  "<svg onload=\"window.__hit = 3\"><animate onbegin=\"window.__hit = 3\" attributeName=x dur=1s></svg>",
  "<iframe srcdoc=\"<script>parent.__hit = 4</script>\"></iframe>",
  "<a href=\"javascript:window.__hit = 5\">raw link</a>",
  "[a link](javascript:window.__hit=6) [another](JaVaScRiPt:window.__hit=6) [third](&#106;avascript:window.__hit=6) [fourth](java\tscript:window.__hit=6)",
  "[data](data:text/html,<script>opener.__hit=7</script>) [vb](vbscript:x) <javascript:window.__hit=7>",
  "![picture](https://outside.example/spy.png) ![picture](http://127.0.0.1:9/spy.png)",
  "![x](x\" onerror=\"window.__hit=8) [x](http://a\" onmouseover=\"window.__hit=8)",
  "<style>body { display: none }</style><link rel=stylesheet href=https://outside.example/x.css>",
  "<form action=https://outside.example><input name=q><button>Sign in again</button></form>",
  "<meta http-equiv=refresh content=\"0;url=https://outside.example\"><base href=https://outside.example/>",
  "```html\n<script>window.__hit = 9</script>\n```\n`<img src=x onerror=window.__hit=9>`",
  "```\" onmouseover=\"window.__hit=10\n<b>x</b>\n```",
  "| <img src=x onerror=window.__hit=11> | b |\n|---|---|\n| <script>window.__hit=11</script> | [x](javascript:window.__hit=11) |",
  "[ref]\n\n[ref]: javascript:window.__hit=12\n\n[^1]\n\n[^1]: <script>window.__hit=12</script>",
  "$\\href{javascript:window.__hit=13}{x}$ $$\\htmlData{x=1}{y}$$",
  "](javascript:window.__hit=14) <!--><script>window.__hit=14</script>--> <![CDATA[<script>window.__hit=14</script>]]>",
  "\u202e\u2066evil\u2069 \u0000 &lt;script&gt;window.__hit=15&lt;/script&gt; &#x3C;img src=x onerror=window.__hit=15&#x3E;",
];
/** All of it in one text. */
export const EVIL = PAYLOADS.join("\n\n").replaceAll("\u0000", "");

/** Elements and addresses that no text of anybody may put into the page. */
export function foreign(page) {
  return page.evaluate(() => {
    const found = [];
    // Menus and dialogs may hang beside the app; what the page itself brought along was there before it.
    const drawn = [...document.querySelectorAll("#root, dialog, [popover], [role=dialog], [role=menu], [role=listbox]")];
    const every = (selector) => drawn.flatMap((part) => [...part.querySelectorAll(selector)]);
    for (const element of every("iframe, script, style, link, meta, base, form[action], object, embed")) {
      found.push(element.outerHTML.slice(0, 100));
    }
    for (const element of every("*")) {
      for (const { name, value } of element.attributes) {
        if (name.startsWith("on") || /^\s*(javascript|vbscript|data:text)/i.test(value)) found.push(`${element.tagName} ${name}=${value.slice(0, 60)}`);
        if (name === "style" && element.closest(".md, [data-testid=user-message]")) found.push(`${element.tagName} style=${value.slice(0, 60)}`);
      }
    }
    for (const link of every(".md a")) {
      const { protocol, origin } = new URL(link.href, location.href);
      if (!["http:", "https:", "mailto:"].includes(protocol)) found.push(`a link to ${link.href}`);
      if (origin !== location.origin && !/noopener|noreferrer/.test(link.rel)) found.push(`a link without rel: ${link.outerHTML}`);
    }
    if (window.__hit !== undefined) found.push(`payload ${window.__hit} ran`);
    return found;
  });
}

/** Moves over and presses what a payload may have made pressable. */
export async function provoke(page) {
  await page.evaluate(() => {
    for (const element of document.querySelectorAll(".md *, [data-testid=user-message] *")) {
      element.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }));
    }
  });
  for (const link of await page.locator(".md a").all()) {
    await link.evaluate((element) => {
      element.addEventListener("click", (event) => { if (/^https?:/.test(element.href)) event.preventDefault(); });
      element.click();
    });
  }
  await pause(200);
}
