/** Renders a component again only when one of its properties is another. */
import { Component, type ComponentChild, type FunctionComponent } from "preact"

const differ = (one: object, other: object): boolean => {
  const [before, after] = [Object.entries(one), Object.entries(other)]
  return before.length !== after.length ||
    before.some(([name, value]) => (other as Record<string, unknown>)[name] !== value)
}

export const memo = <Props extends object>(View: FunctionComponent<Props>) =>
  class Memo extends Component<Props> {
    override shouldComponentUpdate(next: Readonly<Props>): boolean {
      return differ(this.props, next)
    }

    override render(props: Props): ComponentChild {
      return <View {...props} />
    }
  }
