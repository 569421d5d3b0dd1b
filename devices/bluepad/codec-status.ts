/** The numbers that a BluePad tells of itself with: statuses and events, and how a payment ended (CmdIds.h, EFT_PP_STATUS and EFT_FINANC_STATUS). */

/** By number, in the vendor's words. Answers carry them, and events: some are only one or the other. */
export const statuses = {
  SUCCESS: 0x01,
  INVALID_DATA: 0x02,
  PROCESSING_ERROR: 0x03,
  COMMAND_NOT_ALLOWED: 0x04,
  NOT_INITIALISED: 0x05,
  CONNECT_TIMEOUT: 0x06,
  CONNECT_ERROR: 0x07,
  SENDING_ERROR: 0x08,
  RECEIVING_ERROR: 0x09,
  NO_DATA_AVAILABLE: 0x0a,
  TRANS_NOT_ALLOWED: 0x0b,
  UNSUPPORTED_CURRENCY: 0x0c,
  NO_HOST_AVAILABLE: 0x0d,
  CARD_READER_ERROR: 0x0e,
  CARD_READING_FAILED: 0x0f,
  INVALID_CARD: 0x10,
  INPUT_TIMEOUT: 0x11,
  USER_CANCELLED: 0x12,
  INVALID_SIGNATURE: 0x13,
  WAITING_CARD: 0x14,
  CARD_INSERTED: 0x15,
  APPLICATION_SELECTION: 0x16,
  APPLICATION_CONFIRMATION: 0x17,
  AMOUNT_VALIDATION: 0x18,
  PIN_INPUT: 0x19,
  MANUAL_CARD_INPUT: 0x1a,
  WAITING_CARD_REMOVAL: 0x1b,
  TIP_INPUT: 0x1c,
  SHARED_SECRET_INVALID: 0x1d,
  SHARED_SECRET_AUTH: 0x1e,
  WAITING_SIGNATURE: 0x1f,
  CONNECTING: 0x20,
  SENDING: 0x21,
  RECEIVING: 0x22,
  DISCONNECTING: 0x23,
  PIN_INPUT_COMPLETED: 0x24,
  POS_CANCELLED: 0x25,
  REQUEST_INVALID: 0x26,
  CARD_CANCELLED: 0x27,
  CARD_BLOCKED: 0x28,
  REQUEST_AUTH_TIMEOUT: 0x29,
  REQUEST_PAYMENT_TIMEOUT: 0x2a,
  RESPONSE_AUTH_TIMEOUT: 0x2b,
  RESPONSE_PAYMENT_TIMEOUT: 0x2c,
  ICC_CARD_SWIPED: 0x2d,
  REMOVE_CARD: 0x2e,
  SCANNER_IS_NOT_SUPPORTED: 0x2f,
  SCANNER_EVENT: 0x30,
  BATTERY_TOO_LOW: 0x31,
  ACCOUNT_TYPE_SELECTION: 0x32,
  BT_IS_NOT_SUPPORTED: 0x33,
  PAYMENT_CODE_SELECTION: 0x34,
  PARTIAL_APPROVAL: 0x35,
  AMOUNT_DUE_VALIDATION: 0x36,
  INVALID_URL: 0x37,
  WAITING_CUSTOMER_RECEIPT: 0x38,
  PRINTING_MERCHANT_RECEIPT: 0x39,
  PRINTING_CUSTOMER_RECEIPT: 0x3a,
  WAITING_HOST_MSG_TO_HOST: 0x40,
  WAITING_HOST_MSG_RESP: 0x41,
} as const
export type StatusName = keyof typeof statuses

const names = new Map(Object.entries(statuses).map(([name, number]) => [number as number, name as StatusName]))

/** The vendor's word for a status; `status 1F4` for one that has none. */
export function statusName(status: number): StatusName | `status ${string}` {
  return names.get(status) ?? `status ${status.toString(16).toUpperCase()}`
}

/** How a payment ended. */
export const financialStatuses = { undefined: 0, approved: 1, declined: 2, processed: 3, notProcessed: 4, cancelled: 5 } as const
export type FinancialStatus = keyof typeof financialStatuses

/** Added to a financial status: the reader restarts after it. */
export const DEVICE_RESET = 0x80

/** Undefined for a number that is none. */
export function financialStatus(value: number): FinancialStatus | undefined {
  return (Object.keys(financialStatuses) as FinancialStatus[]).find(name => financialStatuses[name] === (value & ~DEVICE_RESET))
}
