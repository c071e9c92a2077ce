/** The worker that trains. */
import type { Answer, Order } from "./protocol.ts";
export const answer = (order: Order): Answer => ({ kind: "refused", message: order.kind });
