// Which addresses may become links, and when the real host must be shown because the words of the link suggest another one.

export interface Address {
  /** The address as the browser will use it. */
  readonly url: string;
  /** Host in its ASCII form, or the mailbox of a mailto address; empty for this server's own documentation. */
  readonly place: string;
  /** The address itself is of a kind that misleads: a user name before the host, or letters outside ASCII in the host. */
  readonly odd: boolean;
}

/** Pages of this server that answers may point to: they only show text. */
const DOCUMENTATION = /^\/(?:docs\/(?:[\w-]+\/)*[\w-]+\.md|README\.md)(?:#[\w-]*)?$/;

/** The address of a link, or `null` if it must stay text: everything but http, https, mailto and our documentation. */
export function safeAddress(href: string): Address | null {
  if (DOCUMENTATION.test(href)) return { url: href, place: "", odd: false };
  // The URL parser drops control characters, so "java\nscript:" must be refused before it is asked.
  if (/[\u0000-\u001f\u007f]/.test(href) || !/^(?:https?:\/\/|mailto:)/i.test(href)) return null;
  let url: URL;
  try {
    url = new URL(href);
  } catch {
    return null;
  }
  if (url.protocol === "mailto:") {
    let mailbox = url.pathname;
    try {
      mailbox = decodeURIComponent(mailbox);
    } catch {
      // Shown as it is.
    }
    return mailbox === "" ? null : { url: url.href, place: mailbox, odd: false };
  }
  if ((url.protocol !== "http:" && url.protocol !== "https:") || url.hostname === "") return null;
  const odd = url.username !== "" || url.password !== "" || /(?:^|\.)xn--/.test(url.hostname);
  return { url: url.href, place: url.hostname, odd };
}

const HOST = /^(?:[\p{L}\p{N}_-]+\.)+(?:\p{L}[\p{L}\p{N}-]*|xn--[\p{L}\p{N}-]+)$|^\d{1,3}(?:\.\d{1,3}){3}$/u;

function asciiHost(host: string): string {
  try {
    return new URL(`http://${host}`).hostname;
  } catch {
    return host;
  }
}

const bare = (host: string) => host.toLowerCase().replace(/^www\./, "");

/** What looks like hosts in the words of a link. */
function hostsIn(text: string): string[] {
  const plain = text.normalize("NFKC").replace(/\p{Cf}/gu, "");
  const hosts: string[] = [];
  for (const word of plain.split(/\s+/)) {
    const authority = word.replace(/^[^\p{L}\p{N}]*(?:\p{L}[\p{L}\p{N}+.-]*:)?[\\/]*/u, "").split(/[\\/?#]/)[0] ?? "";
    for (const part of authority.split("@")) {
      const host = part.replace(/:\d*$/, "").replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, "");
      if (HOST.test(host)) hosts.push(asciiHost(host));
    }
  }
  return hosts;
}

/** The host or mailbox to show after the words of a link, or `null` if they do not suggest another one. */
export function placeToShow(address: Address, words: string): string | null {
  if (address.odd) return address.place;
  if (address.place === "") return null;
  const mailbox = address.place.includes("@") ? (address.place.split("@").at(-1) ?? "") : address.place;
  if (mailbox !== address.place && words.includes("@")) {
    return words.trim().replace(/^mailto:/i, "").toLowerCase() === address.place.toLowerCase() ? null : address.place;
  }
  return hostsIn(words).some((host) => bare(host) !== bare(mailbox)) ? address.place : null;
}
