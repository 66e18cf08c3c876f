export function showPresence() {}
