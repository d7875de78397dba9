/**
 * Writes src/lib/schema.ts from the OpenAPI document of the region's HTTP API; with --check, fails if it is out of date.
 * Understands what that document uses, and stops at anything else rather than guess.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const SOURCES = ['api', 'gallery'].map(
    part => new URL(`../../src/multiregion/${part}/openapi.json`, import.meta.url),
)
const TARGET = new URL('../src/lib/schema.ts', import.meta.url)
const HEADER = `/**
 * Types of the region's HTTP API.
 * Generated from src/multiregion/{api,gallery}/openapi.json by \`npm run types\`: do not edit.
 */
`

const SCALARS = { string: 'string', integer: 'number', number: 'number', boolean: 'boolean', null: 'null' }

const refName = ref => ref.replace('#/components/schemas/', '')
const indent = text => text.replaceAll('\n', '\n  ')
const key = name => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name))
const comment = text => (text ? `/** ${text.replaceAll('*/', '* /')} */\n` : '')

/** The TypeScript type of one schema. */
export function typeOf(schema) {
    if (schema.$ref) return refName(schema.$ref)
    if (schema.enum) return schema.enum.map(value => JSON.stringify(value)).join(' | ')
    if (schema.oneOf || schema.anyOf) return union((schema.oneOf ?? schema.anyOf).map(typeOf))
    if (Array.isArray(schema.type)) return union(schema.type.map(type => typeOf({ ...schema, type })))
    if (schema.type === 'array') return `${wrap(typeOf(schema.items))}[]`
    if (schema.type === 'object') return objectType(schema)
    const scalar = SCALARS[schema.type]
    if (!scalar) throw new Error(`Cannot express ${JSON.stringify(schema)}`)
    return scalar
}

const union = types => [...new Set(types)].join(' | ')
const wrap = type => (type.includes(' | ') ? `(${type})` : type)

function objectType(schema) {
    if (!schema.properties) return `Record<string, ${valueType(schema.additionalProperties)}>`
    const required = new Set(schema.required)
    const fields = Object.entries(schema.properties).map(
        ([name, field]) =>
            `${comment(field.description)}${key(name)}${required.has(name) ? '' : '?'}: ${typeOf(field)}`,
    )
    return `{${indent(`\n${fields.join('\n')}`)}\n}`
}

const valueType = schema => (schema && schema !== true ? typeOf(schema) : 'unknown')

function declaration([name, schema]) {
    const type = typeOf(schema)
    const body = type.startsWith('{') ? `export interface ${name} ${type}` : `export type ${name} = ${type}`
    return comment(schema.description) + body
}

/** Both parts of the document as one: the product's calls, and the gallery's. */
export function whole() {
    const parts = SOURCES.map(source => JSON.parse(readFileSync(source, 'utf8')))
    return { components: { schemas: Object.assign({}, ...parts.map(part => part.components.schemas)) } }
}

export const render = document =>
    `${HEADER}\n${Object.entries(document.components.schemas).map(declaration).join('\n\n')}\n`

function main() {
    const expected = render(whole())
    if (!process.argv.includes('--check')) return writeFileSync(TARGET, expected)
    if (readFileSync(TARGET, 'utf8') === expected) return
    console.error('src/lib/schema.ts is out of date: run `npm run types`')
    process.exitCode = 1
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main()
