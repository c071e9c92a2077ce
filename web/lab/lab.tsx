import { render } from "preact";
render(<h1>LeNet lab</h1>, document.body);
