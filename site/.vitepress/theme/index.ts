// The default theme without its web font: pages ask no other server for anything.
import theme from 'vitepress/theme-without-fonts'
import './figures.css'
import './style.css'

export default theme
