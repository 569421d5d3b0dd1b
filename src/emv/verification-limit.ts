/** The one rule of amounts: from where on a cardholder is verified. Every kernel's figure, on chip and by tap, is derived from it. */

/** Minor units by currency (ISO 4217): Russia's 3000.00; in other currencies there is no rule unless a configuration has one. */
export const verificationLimits: Readonly<Record<string, bigint>> = { RUB: 300_000n }
