// A title that was found for a chat types itself in; every other one is simply there.
import { useEffect, useState } from "react";
import { titled } from "../../stores/titled";

const PER_CHAR_MS = 30;

export function useTypedTitle(id: string, title: string): string {
  const [typing, setTyping] = useState<{ title: string; length: number } | null>(null);
  useEffect(() => {
    if (!titled.delete(id) || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    const chars = [...title];
    let length = 0;
    setTyping({ title, length });
    const timer = setInterval(() => {
      length += 1;
      setTyping(length < chars.length ? { title, length } : null);
      if (length >= chars.length) clearInterval(timer);
    }, PER_CHAR_MS);
    return () => {
      clearInterval(timer);
      setTyping(null);
    };
  }, [id, title]);
  return typing?.title === title ? [...title].slice(0, typing.length).join("") : title;
}
