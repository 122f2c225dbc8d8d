// Elements are made from text, never from markup: names and values of the data may contain anything.

type Child = Node | string | undefined

type Attributes = Readonly<Record<string, string | number | boolean | undefined | ((event: Event) => void)>>

/** Makes an element. Functions are listeners (`onclick`), `true` is an attribute without a value, and `false` and `undefined` are left out. */
export function element<K extends keyof HTMLElementTagNameMap> (name: K, attributes: Attributes = {}, ...children: readonly Child[]): HTMLElementTagNameMap[K] {
  const node = document.createElement(name)
  for (const [attribute, value] of Object.entries(attributes)) {
    if (typeof value === 'function') node.addEventListener(attribute.slice(2), value)
    else if (value === true) node.setAttribute(attribute, '')
    else if (value !== undefined && value !== false) node.setAttribute(attribute, String(value))
  }
  node.append(...children.filter((child) => child !== undefined))
  return node
}

/** The element of index.html with this id. */
export function byId<E extends HTMLElement = HTMLElement> (id: string): E {
  return document.getElementById(id) as E
}

/** Replaces the text of an element if it differs, so that screen readers read changes only. */
export function setText (node: Element, text: string): void {
  if (node.textContent !== text) node.textContent = text
}

/** Shows texts as the items of a list, which is hidden without any. Screen readers read changes only. */
export function setItems (list: HTMLElement, texts: readonly string[]): void {
  if (list.dataset['shown'] === texts.join('\n')) return
  list.dataset['shown'] = texts.join('\n')
  list.replaceChildren(...texts.map((text) => element('li', {}, text)))
  list.hidden = texts.length === 0
}

/** Fills a select with options, of which one is selected. */
export function setOptions (select: HTMLSelectElement, options: readonly (readonly [value: string, label: string])[], selected?: string): void {
  select.replaceChildren(...options.map(([value, label]) => element('option', { value, selected: value === selected }, label)))
}

/** A button that shows its name as text. */
export function button (label: string, onclick: () => void, attributes: Attributes = {}): HTMLButtonElement {
  return element('button', { type: 'button', onclick, ...attributes }, label)
}

/** Calls a function once a while has passed without another call. */
export function debounce (ms: number, call: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  return () => {
    clearTimeout(timer)
    timer = setTimeout(call, ms)
  }
}
