// Links, and words in another language than the text's.

import { Mark } from "@tiptap/core";

const FOLLOWED = /^(?:https?:\/\/[^\s/?#]+\S*|mailto:[^\s@]+@\S+|tel:\+?[\d()./-]+)$/i;
const PHONE = /^(?:tel:)?(\+?[\d\s()./-]{5,})$/i;

/** An address as a link may have it, made out of what somebody typed; null when it leads nowhere. */
export function address(typed) {
  const text = typed.trim();
  const phone = PHONE.exec(text);
  if (phone) return `tel:${phone[1].replace(/[^\d+]/g, "")}`;
  if (FOLLOWED.test(text)) return text;
  if (/[\s<>"]/.test(text)) return null;
  if (/^[^@/:]+@[^@/:]+\.[a-z]{2,}$/i.test(text)) return `mailto:${text}`;
  return /^[^\s/:@]+\.[a-z]{2,}(?::\d+)?(?:[/?#]|$)/i.test(text) ? `https://${text}` : null;
}

export const Link = Mark.create({
  name: "link",
  inclusive: false,
  exitable: true,
  priority: 1000,
  addAttributes() {
    return { href: { default: null, parseHTML: () => null } };
  },
  parseHTML() {
    return [
      {
        tag: "a[href]",
        getAttrs: (link) => FOLLOWED.test(link.getAttribute("href").trim()) && { href: link.getAttribute("href").trim() },
      },
    ];
  },
  renderHTML({ HTMLAttributes }) {
    return ["a", HTMLAttributes, 0];
  },
});

export const Foreign = Mark.create({
  name: "foreign",
  inclusive: false,
  addAttributes() {
    return { lang: { default: null } };
  },
  parseHTML() {
    return [{ tag: "i[lang]", priority: 100 }];
  },
  renderHTML({ HTMLAttributes }) {
    return ["i", HTMLAttributes, 0];
  },
});
