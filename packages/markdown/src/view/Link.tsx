// Links out of the application, and images, which are only ever links: showing one would tell its host who reads and when.
import { type ReactNode, useContext } from "react";
import { placeToShow, safeAddress } from "./address.ts";
import { LabelsContext } from "./labels.ts";
import { shown } from "./Shown.tsx";

function Outward({ url, className, children }: { url: string; className: string; children: ReactNode }) {
  return (
    <a className={className} href={url} target="_blank" rel="noopener noreferrer nofollow ugc">
      {children}
    </a>
  );
}

/** A link; its words alone where the address may not be one. `words` is its text without markup. */
export function Link({ href, words, children }: { href: string; words: string; children: ReactNode }) {
  const address = safeAddress(href);
  if (!address) return <>{children}</>;
  const place = placeToShow(address, words);
  return (
    <Outward className="md-link" url={address.url}>
      {words.trim() === "" ? shown(address.place, true) : children}
      {place !== null && <span className="md-place"> ({shown(place, true)})</span>}
    </Outward>
  );
}

/** "Image: description (host)". Inside a link it is text only, because a link cannot hold another. */
export function ImageChip({ href, alt, inLink }: { href: string; alt: string; inLink: boolean }) {
  const labels = useContext(LabelsContext);
  const address = safeAddress(href);
  const words = (
    <>
      {labels.image}
      {alt.trim() !== "" && <>: {shown(alt, true)}</>}
      {address && <span className="md-place"> ({shown(address.place, true)})</span>}
    </>
  );
  if (!address || inLink) return <span className="md-image">{words}</span>;
  return (
    <Outward className="md-image" url={address.url}>
      {words}
    </Outward>
  );
}
