// The libraries under web/vendor/, as far as the pages use them.
declare const marked: { lexer(text: string): any[] & { links?: any }; Lexer: any; Marked: any };
declare const DOMPurify: { sanitize(html: string, options: any): DocumentFragment };
declare const hljs: { getLanguage(name: string): any; highlight(text: string, options: any): { value: string } };
declare const SwaggerUIBundle: (options: any) => unknown;
