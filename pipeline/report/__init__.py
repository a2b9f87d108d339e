"""Results for readers: a workbook, later a web page and a Word report."""
