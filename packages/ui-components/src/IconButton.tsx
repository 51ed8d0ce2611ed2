// Buttons that show only an icon. The label is required: it is the name for readers and the tooltip for the mouse.
import type { ButtonHTMLAttributes, ReactNode, Ref } from "react";

interface Props extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, "aria-label" | "title"> {
  label: string;
  size?: "xs" | "sm" | "md";
  ref?: Ref<HTMLButtonElement>;
  children: ReactNode;
}

export function IconButton({ label, size = "md", className = "", type = "button", ...rest }: Props) {
  return (
    <button {...rest} type={type} aria-label={label} title={label} className={`ib ${size === "md" ? "" : size} ${className}`} />
  );
}
