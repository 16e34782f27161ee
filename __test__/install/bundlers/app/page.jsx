export default function Page() {
  return <main>wxacode</main>
}
