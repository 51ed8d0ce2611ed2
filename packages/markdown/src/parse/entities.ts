// Character references. The table holds the names of HTML 4: what people and models really write. The two thousand rarer names
// of HTML 5 would cost more bytes than the rest of the parser; an unknown name stays as it was written.

// U+00A0 to U+00FF in order.
const LATIN =
  "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml";

// Name, then the character, for the rest.
const OTHERS =
  "amp&lt<gt>quot\"apos'OElig\u0152oelig\u0153Scaron\u0160scaron\u0161Yuml\u0178fnof\u0192circ\u02c6tilde\u02dcensp\u2002emsp\u2003thinsp\u2009zwnj\u200czwj\u200dndash\u2013mdash\u2014lsquo\u2018rsquo\u2019sbquo\u201aldquo\u201crdquo\u201dbdquo\u201edagger\u2020Dagger\u2021bull\u2022hellip\u2026permil\u2030prime\u2032Prime\u2033lsaquo\u2039rsaquo\u203aoline\u203efrasl\u2044euro\u20acimage\u2111weierp\u2118real\u211ctrade\u2122alefsym\u2135larr\u2190uarr\u2191rarr\u2192darr\u2193harr\u2194crarr\u21b5lArr\u21d0uArr\u21d1rArr\u21d2dArr\u21d3hArr\u21d4forall\u2200part\u2202exist\u2203empty\u2205nabla\u2207isin\u2208notin\u2209ni\u220bprod\u220fsum\u2211minus\u2212lowast\u2217radic\u221aprop\u221dinfin\u221eang\u2220and\u2227or\u2228cap\u2229cup\u222aint\u222bthere4\u2234sim\u223ccong\u2245asymp\u2248ne\u2260equiv\u2261le\u2264ge\u2265sub\u2282sup\u2283nsub\u2284sube\u2286supe\u2287oplus\u2295otimes\u2297perp\u22a5sdot\u22c5lceil\u2308rceil\u2309lfloor\u230arfloor\u230blang\u27e8rang\u27e9loz\u25caspades\u2660clubs\u2663hearts\u2665diams\u2666check\u2713cross\u2717star\u2606";

// Capital and small Greek from U+0391 and U+03B1; the gap in the capitals is the place of the final sigma.
const GREEK = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigmaf sigma tau upsilon phi chi psi omega";

let table: Map<string, string> | null = null;

function names(): Map<string, string> {
  const map = new Map<string, string>();
  LATIN.split(" ").forEach((name, i) => map.set(name, String.fromCharCode(0xa0 + i)));
  GREEK.split(" ").forEach((name, i) => {
    map.set(name, String.fromCharCode(0x3b1 + i));
    if (name !== "sigmaf") map.set(name.charAt(0).toUpperCase() + name.slice(1), String.fromCharCode(0x391 + i));
  });
  for (const [, name, character] of OTHERS.matchAll(/([A-Za-z]+4?)([^A-Za-z])/g)) if (name && character) map.set(name, character);
  return map;
}

/** Source of the pattern of one reference, for use inside larger patterns. */
export const REFERENCE = "&(?:#[xX][0-9a-fA-F]{1,6}|#[0-9]{1,7}|[A-Za-z][A-Za-z0-9]{1,31});";

/** The character a whole reference such as `&amp;` or `&#x21;` stands for, or the reference itself if it names none. */
export function decodeReference(reference: string): string {
  if (reference.charAt(1) !== "#") {
    table ??= names();
    return table.get(reference.slice(1, -1)) ?? reference;
  }
  const hex = /x/i.test(reference.charAt(2));
  const code = Number.parseInt(reference.slice(hex ? 3 : 2, -1), hex ? 16 : 10);
  const valid = code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
  return valid ? String.fromCodePoint(code) : "\ufffd";
}
