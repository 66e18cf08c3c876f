export function showPreview() {}
