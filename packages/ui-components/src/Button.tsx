// Text buttons. A disabled button stays focusable and says why, so that nobody meets a dead control without a reason.
import type { ButtonHTMLAttributes, ReactNode } from "react";

interface Props extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, "disabled"> {
  /** `primary`: the one filled control of a view. `ghost`: quiet. `danger`: destroys. */
  look?: "primary" | "plain" | "ghost" | "danger";
  size?: "sm" | "md" | "lg";
  /** Why it cannot be pressed now; becomes its tooltip and stops the press. */
  disabledReason?: string | null;
  children: ReactNode;
}

const LOOK = { primary: "p", plain: "", ghost: "g", danger: "d" };

export function Button({ look = "plain", size = "md", disabledReason, type = "button", className = "", onClick, ...rest }: Props) {
  return (
    <button
      {...rest}
      type={type}
      className={`btn ${LOOK[look]} ${size === "md" ? "" : size} ${className}`}
      aria-disabled={disabledReason ? true : undefined}
      title={disabledReason ?? rest.title}
      onClick={(event) => (disabledReason ? event.preventDefault() : onClick?.(event))}
    />
  );
}
