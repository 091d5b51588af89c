// Types in a stable order. The compiler orders unions and the fields of derived objects by what else it has seen, which changes
// with every new file: here fields are in the order of the source and unions in that of the alphabet.
import ts from "typescript"

const fieldComment = (property, checker) => {
  const text = ts.displayPartsToString(property.getDocumentationComment(checker)).replace(/\s+/g, " ")
  return text === "" ? "" : `/** ${text} */\n`
}

const placeOf = ({ declarations: [first] = [], name }) => [first?.getSourceFile().fileName ?? "", first?.pos ?? 0, name]

const byPlace = (one, other) => {
  const places = [placeOf(one), placeOf(other)]
  const at = places[0].findIndex((part, index) => part !== places[1][index])
  return at === -1 ? 0 : places[0][at] < places[1][at] ? -1 : 1
}

/** `readonly name?: type`, with its comment, for each that has a name and no symbol. */
export const propertyTexts = (checker, properties, at) =>
  properties.filter(({ name }) => !name.startsWith("__@")).sort(byPlace).map((property) => {
    const type = typeText(checker, checker.getTypeOfSymbolAtLocation(property, at), at)
    const optional = property.flags & ts.SymbolFlags.Optional ? "?" : ""
    return `${fieldComment(property, checker)}readonly ${property.name}${optional}: ${type}`
  })

const typeFlags = ts.TypeFormatFlags.NoTruncation | ts.TypeFormatFlags.UseAliasDefinedOutsideCurrentScope |
  ts.TypeFormatFlags.WriteArrayAsGenericType

const isPlainObject = (checker, type) =>
  (type.flags & ts.TypeFlags.Object) !== 0 && type.symbol?.name.startsWith("__") &&
  checker.getIndexInfosOfType(type).length === 0 && type.getCallSignatures().length === 0

/** The type itself, also where it has a name. */
export const structureText = (checker, type, at) => {
  if (type.isUnion() && (type.flags & ts.TypeFlags.Boolean) === 0) return unionText(checker, type, at)
  if (isPlainObject(checker, type)) {
    return `{\n${propertyTexts(checker, checker.getPropertiesOfType(type), at).join("\n")}\n}`
  }
  if (checker.isArrayType(type)) return `ReadonlyArray<${typeText(checker, checker.getTypeArguments(type)[0], at)}>`
  return checker.typeToString(type, at, typeFlags)
}

/** The type by its name, where it has one. */
const typeText = (checker, type, at) =>
  type.aliasSymbol === undefined ? structureText(checker, type, at) : checker.typeToString(type, at, typeFlags)

const unionText = (checker, type, at) => {
  const texts = type.types.map((member) => typeText(checker, member, at))
  const members = texts.includes("true") && texts.includes("false")
    ? ["boolean", ...texts.filter((text) => text !== "true" && text !== "false")]
    : texts
  const isEmpty = (text) => text === "undefined" || text === "null"
  return [...members.filter((text) => !isEmpty(text)).sort(), ...members.filter(isEmpty)].join(" | ")
}
