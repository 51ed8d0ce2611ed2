// Temporary: plain paragraphs until @taifas/markdown is there.
export function Markdown({ text, streaming }: { text: string; streaming: boolean; labels?: object }) {
  const blocks = text.split(/\n{2,}/);
  return (
    <div className={streaming ? "md streaming" : "md"}>
      {blocks.map((block, at) => (
        <p key={at} className="plain">{block}{streaming && at === blocks.length - 1 && <span className="caret" />}</p>
      ))}
    </div>
  );
}
