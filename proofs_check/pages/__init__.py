"""Reports for a browser, for other tools and for the documents: HTML with MathML, JUnit XML, the page of claims."""
