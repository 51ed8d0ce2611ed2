// The same table that the load prints, for what is measured in a browser.

export function section(title, about) {
  console.log(`\n### ${title}\n\n${about}\n`);
  console.log("| figure | Taifas | control of the same run | ratio or added | target | met |");
  console.log("|---|---|---|---|---|---|");
}

/** @param {boolean} [met] left out where there is no target */
export function row(name, value, control = "–", against = "–", target = "–", met = undefined) {
  const verdict = met === undefined ? "–" : met ? "yes" : "**no**";
  console.log(`| ${name} | ${value} | ${control} | ${against} | ${target} | ${verdict} |`);
}

export function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}
