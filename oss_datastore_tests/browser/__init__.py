"""What people see in a browser, driven in headless Chromium."""
